/** What a call fails with, to be looked at later; an error that says so when it does not fail. */
export async function failureOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  return new Error("It did not fail");
}
