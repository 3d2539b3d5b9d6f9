/** How long a test waits for what must come, and how often it looks. */
export const patience: { readonly timeout: number; readonly interval: number } = {
  timeout: 30_000,
  interval: 10,
};
