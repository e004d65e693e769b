/** A way to a port of this machine that can be slow, or blocked: what a network between does. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export class Way {
  readonly port: number;
  /** Each way, from now on. */
  delayMs = 0;
  /** Connections that came. */
  accepted = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, to: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (from) => {
      this.accepted++;
      const there = connect(to, "127.0.0.1");
      this.#pass(from, there);
      this.#pass(there, from);
    });
  }

  static async open(to: number): Promise<Way> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Way(server, to);
  }

  /** Refuses, and ends what is open. */
  async block(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async unblock(): Promise<void> {
    if (this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.listen(this.port, "127.0.0.1", resolve));
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.block();
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on("data", (chunk) => this.#later(() => to.write(chunk)));
    from.on("end", () => this.#later(() => to.end()));
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      this.#later(() => to.destroy());
    });
  }

  /** In order: what comes later waits no shorter. */
  #later(action: () => void): void {
    if (this.delayMs === 0) action();
    else setTimeout(action, this.delayMs);
  }
}
