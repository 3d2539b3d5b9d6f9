/** Order is kept inside one channel and key: keys of two channels have nothing to do with each other. */
export function orderKeyOf(event: { readonly channel: string; readonly key?: string | undefined }): string {
  return `${event.channel}\n${event.key ?? ""}`;
}
