// The same from CommonJS.
const assert = require("node:assert/strict");
const { MessagingError, isMessagingError } = require("@postrider/core");

void (async () => {
  const imported = await import("@postrider/core");
  const error = new imported.MessagingError("USAGE_CLOSED", "The messaging is closed.");
  assert.ok(error instanceof MessagingError);
  assert.ok(isMessagingError(error, "USAGE_CLOSED"));
})();
