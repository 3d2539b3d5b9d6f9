import { connect, createServer, type Socket } from "node:net";

/** Where messages of a process to RabbitMQ wait, at the server's door. */
export interface FrameGate {
  /** The broker, for the process that is to be stopped. */
  readonly url: string;
  /** From now on these wait, and all that follows them on their channel. */
  shut(method: GatedMethod): void;
  /** How many channels wait now. */
  waiting(): number;
  /** Lets go of what waits on connections that still stand, in its order. */
  open(): void;
  close(): Promise<void>;
}

export type GatedMethod = "publish" | "ack";

/** Class and method, as the first four bytes of a method frame have them (AMQP 0-9-1, 1.8). */
const numbers: Readonly<Record<GatedMethod, number>> = {
  publish: (60 << 16) | 40,
  ack: (60 << 16) | 80,
};

/** A loopback proxy in front of the broker that reads the frames of its clients and lets answers pass. */
export async function openFrameGate(brokerUrl: string): Promise<FrameGate> {
  const target = new URL(brokerUrl);
  const lines = new Set<Line>();
  let shut: GatedMethod | undefined;
  const server = createServer((client) => {
    const broker = connect({ host: target.hostname, port: Number(target.port) });
    client.setNoDelay(true);
    broker.setNoDelay(true);
    const line = createLine(
      (frame) => void broker.write(frame),
      () => shut,
    );
    lines.add(line);
    client.on("data", line.take);
    broker.pipe(client);
    const end = (other: Socket): void => {
      lines.delete(line);
      other.destroy();
    };
    for (const socket of [client, broker]) socket.on("error", () => undefined);
    client.on("close", () => end(broker));
    broker.on("close", () => end(client));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the gate has no port");
  const url = new URL(brokerUrl);
  url.port = String(address.port);
  return {
    url: url.href,
    shut: (method) => {
      shut = method;
    },
    waiting: () => [...lines].reduce((sum, line) => sum + line.waiting(), 0),
    open: () => {
      shut = undefined;
      for (const line of lines) line.open();
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** What one connection sends. */
interface Line {
  take(bytes: Buffer): void;
  waiting(): number;
  open(): void;
}

const headerBytes = 7;
const endBytes = 1;
/** `AMQP` and the version: all that a client sends that is no frame. */
const greetingBytes = 8;

function createLine(pass: (frame: Buffer) => void, shut: () => GatedMethod | undefined): Line {
  const held = new Map<number, Buffer[]>();
  let rest: Buffer = Buffer.alloc(0);
  let greeted = false;

  const frame = (one: Buffer): void => {
    const channel = one.readUInt16BE(1);
    const behind = held.get(channel);
    const method = shut();
    if (behind !== undefined) behind.push(one);
    else if (method !== undefined && methodOf(one) === numbers[method]) held.set(channel, [one]);
    else pass(one);
  };
  const next = (): Buffer | undefined => {
    if (!greeted) return cut(greetingBytes);
    if (rest.length < headerBytes) return undefined;
    return cut(headerBytes + rest.readUInt32BE(3) + endBytes);
  };
  const cut = (bytes: number): Buffer | undefined => {
    if (rest.length < bytes) return undefined;
    const one = rest.subarray(0, bytes);
    rest = rest.subarray(bytes);
    return one;
  };

  return {
    take: (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (let one = next(); one !== undefined; one = next()) {
        if (greeted) frame(one);
        else pass(one);
        greeted = true;
      }
    },
    waiting: () => held.size,
    open: () => {
      for (const frames of held.values()) for (const one of frames) pass(one);
      held.clear();
    },
  };
}

function methodOf(frame: Buffer): number | undefined {
  const isMethod = frame.readUInt8(0) === 1 && frame.length >= headerBytes + 4;
  return isMethod ? frame.readUInt32BE(headerBytes) : undefined;
}
