/** The error of every red case: the subject did not do what its contract says. The message tells what was seen. */
export class NotConforming extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NotConforming";
  }
}
