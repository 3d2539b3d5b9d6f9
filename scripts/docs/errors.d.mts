/** The page that lists every code. */
export function errorsPage(
  codes: Readonly<Record<string, { readonly retryable: boolean; readonly meaning: string }>>,
): string;
