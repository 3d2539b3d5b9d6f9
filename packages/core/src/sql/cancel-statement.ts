import { connect, type Socket } from "node:net";

/** The number that tells a request to cancel from the beginning of a session. */
const cancelRequestCode = 80_877_102;

/**
 * Asks the server to end the statement that a client of `pg` waits for, over a connection of its own: no place in the
 * pool is needed, and a pooler in between passes it on. Resolves when the server has taken the request or `signal`
 * fires, and never rejects. Whether it had an effect shows in the answer to the statement alone.
 *
 * The request goes out unencrypted, as those of `pg` itself do. What it shows is good for cancelling in this one session, so
 * the client must be destroyed afterwards. That is needed in any case: a request may take effect late, and would then
 * end somebody else's statement.
 */
export async function cancelStatement(client: object, signal: AbortSignal): Promise<void> {
  const session = sessionOf(client);
  if (session === undefined || signal.aborted) return;
  const socket = connect(session.address);
  const stop = (): void => void socket.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    await saidOn(socket, cancelRequest(session));
  } finally {
    signal.removeEventListener("abort", stop);
    socket.destroy();
  }
}

/** The server closes the connection when it has passed the request on. */
function saidOn(socket: Socket, request: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.once("connect", () => socket.write(request));
    socket.on("error", () => {}); // "close" follows
    socket.once("close", () => resolve());
    socket.resume();
  });
}

interface Session {
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string };
  readonly processId: number;
  readonly secretKey: number;
}

/** As a client of `pg` knows it; undefined for one that says less, such as the native one. */
function sessionOf(client: object): Session | undefined {
  const { host, port, processID, secretKey } = client as Readonly<Record<string, unknown>>;
  if (typeof host !== "string" || typeof port !== "number") return undefined;
  if (typeof processID !== "number" || typeof secretKey !== "number") return undefined;
  const address = host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
  return { address, processId: processID, secretKey };
}

function cancelRequest({ processId, secretKey }: Session): Buffer {
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(cancelRequestCode, 4);
  request.writeInt32BE(processId, 8);
  request.writeInt32BE(secretKey, 12);
  return request;
}
