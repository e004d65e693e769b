// What npm says, in words for the person who waits for it. Also runs on the old Node that a fresh machine may have, so plain
// JavaScript and nothing newer than Node 18.

const REGISTRY =
  "Check the network connection, or which registry npm config get registry names, and run the command again.";

/** By npm's own codes; the first that is found counts. */
const REMEDIES = [
  [/\bENOSPC\b/, "The disk is full. Make room (about 1.5 GB are needed) and run the command again."],
  [
    /\b(?:EACCES|EPERM|EROFS)\b/,
    "This folder cannot be written. Clone into a folder of your own and run the command again.",
  ],
  [
    /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT)\b/,
    `The registry was not reached. ${REGISTRY}`,
  ],
  [/\b(?:UNABLE_TO_\w+|SELF_SIGNED_\w+|CERT_\w+)\b/, `The registry's certificate is not trusted here. ${REGISTRY}`],
  [/\b(?:E401|E403)\b/, `The registry refused this computer. ${REGISTRY}`],
  [/\b(?:E404|ETARGET)\b/, `The registry does not have one of the packages. ${REGISTRY}`],
  [/\bEINTEGRITY\b/, "A package is not the one that is pinned. Run npm cache clean --force and the command again."],
];

/** Of an `npm ci` that failed, from what it printed. */
export function remedyOf(output) {
  const found = REMEDIES.find(([code]) => code.test(output));
  return `npm ci failed. ${found === undefined ? REGISTRY : found[1]}`;
}

/** Of the worst that is let pass: what is told of these is read, and waits for its time. */
const LET_PASS = ["info", "low"];

/**
 * What `npm audit --json` printed: `skipped` with the reason where its endpoint did not answer, else the names of packages that
 * something is known of, and how bad that is.
 */
export function readAudit(output) {
  const report = parse(output);
  const { vulnerabilities } = report;
  if (vulnerabilities === undefined) {
    const said = report.message === undefined ? output.trim().split("\n")[0] : report.message;
    return { skipped: said.replace(/ - [A-Z]+ https?:\S+|https?:\S+/g, "") || "no answer" };
  }
  return {
    known: Object.values(vulnerabilities)
      .filter(({ severity }) => !LET_PASS.includes(severity))
      .map(({ name, severity }) => `${name} (${severity})`),
  };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
