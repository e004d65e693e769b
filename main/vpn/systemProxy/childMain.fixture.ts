/** Sets and gives back the proxy of a real desktop again and again, until it is killed. Arguments: folder, desktop's name. */
import { desktopProxy } from "./desktop.ts";

const [directory = "", desktop = ""] = process.argv.slice(2);
const env = { ...process.env, XDG_CURRENT_DESKTOP: desktop };
const proxy = desktopProxy({ directory, home: directory, env, repairCommand: ["/opt/montana", "vpn", "repair"] });

process.stdout.write("ready\n");
for (let port = 20_000; port < 30_000; port++) {
  await proxy.apply({ host: "127.0.0.1", port });
  await proxy.repair();
}
