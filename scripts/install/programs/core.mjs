// An error made by one module system is one in the other.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { MessagingError, errorCodes, isMessagingError } from "@postrider/core";

const required = createRequire(import.meta.url)("@postrider/core");
const error = new required.MessagingError("USAGE_CLOSED", "The messaging is closed.");
assert.ok(error instanceof MessagingError);
assert.ok(isMessagingError(error, "USAGE_CLOSED"));
assert.ok(!isMessagingError(new Error("another")));
assert.equal(error.retryable, errorCodes.USAGE_CLOSED.retryable);
