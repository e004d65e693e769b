/** A process that gets a certificate: `node acmeOrder.fixture.ts DIRECTORY AUTHORITY PORT NAME`. */
import { ProtocolError } from "../../protocol/errors.ts";
import { openCertificates } from "./acme.ts";

const [directory = "", directoryUrl = "", port = "", name = ""] = process.argv.slice(2);
try {
  const certificates = await openCertificates({
    ...{ names: [name], directory, directoryUrl, listen: { host: "127.0.0.1", port: Number(port) } },
    onTrouble: () => undefined,
  });
  await certificates.close();
  console.log("ok");
} catch (error) {
  if (!(error instanceof ProtocolError)) throw error;
  const { code, params } = error as ProtocolError;
  console.log(`${code} ${String(params["reason"])}`);
  process.exitCode = 1;
}
