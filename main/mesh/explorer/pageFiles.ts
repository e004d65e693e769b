/** Files of the explorer's page below `/net/` of the public directory, and how they are served. */

export interface PageFile {
  readonly file: string;
  readonly type: string;
  readonly paths: readonly string[];
}

export const PAGE_FILES: readonly PageFile[] = [
  { file: "index.html", type: "text/html; charset=utf-8", paths: ["/net/", "/net/index.html"] },
  { file: "explorer.css", type: "text/css; charset=utf-8", paths: ["/net/explorer.css"] },
  { file: "explorer.js", type: "text/javascript; charset=utf-8", paths: ["/net/explorer.js"] },
  { file: "icon.svg", type: "image/svg+xml", paths: ["/net/icon.svg"] },
];

/** The page loads nothing from elsewhere, and no other site may frame it. The page itself says the same (a `meta`). */
export const pageHeaders: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};
