// The least of each protocol that tells "it answers" from "the port is open", without a client library.
import { connect } from "node:net";

/**
 * Connects to loopback, sends `request`, and resolves as soon as `accept` makes something of the bytes so far.
 * @template T
 * @param {{ port: number, host?: string, request?: Buffer | string, accept: (bytes: Buffer) => T | undefined, timeoutMs?: number }} exchange
 */
export function ask({ port, host = "127.0.0.1", request, accept, timeoutMs = 3000 }) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let bytes = Buffer.alloc(0);
    const fail = (error) => {
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(new Error(`no answer on port ${port} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    socket.once("connect", () => request && socket.write(request));
    socket.once("error", fail);
    socket.once("close", () => {
      clearTimeout(timer);
      fail(new Error(`port ${port} closed the connection`));
    });
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      try {
        const answer = accept(bytes);
        if (answer === undefined) return;
        resolve(answer);
        socket.destroy();
      } catch (error) {
        fail(error);
      }
    });
  });
}

/** Resolves whether something listens there. */
export function isOpen(port, host = "127.0.0.1") {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2000 });
    const settle = (open) => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
    socket.once("timeout", () => settle(false));
  });
}
