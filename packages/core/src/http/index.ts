export { httpTarget } from "./target.ts";
export type { HttpTarget, SendOptions } from "./target.ts";
export { HttpTargetError } from "./errors.ts";
export type { HttpTargetOptions } from "./options.ts";
export { idempotencyKey } from "./idempotency-key.ts";
