/** What every answer of the page's origin says to a browser about itself. */

/**
 * The one `<style>` that react-aria puts into the page by itself (touch-action of what can be pressed), by its SHA-256; a test
 * holds it beside the library.
 */
export const ARIA_STYLE_HASH = "sha256-38RhXrc7EdReTKsOm23ZPOCUgniTUUcjky8QOOrQx6o=";

/**
 * Everything comes from the page's own files: no inline script or style, no `eval`, no other origin. MapLibre draws pictures
 * from `data:` and `blob:`; its worker is a file.
 */
export const CONTENT_SECURITY_POLICY = Object.entries({
  "default-src": "'none'",
  "script-src": "'self'",
  "worker-src": "'self'",
  "style-src": `'self' '${ARIA_STYLE_HASH}'`,
  "img-src": "'self' data: blob:",
  "font-src": "'self'",
  "connect-src": "'self'",
  "manifest-src": "'self'",
  "base-uri": "'none'",
  "form-action": "'none'",
  "frame-ancestors": "'none'",
  "object-src": "'none'",
})
  .map(([directive, sources]) => `${directive} ${sources}`)
  .join("; ");

/** Of answers of any kind. Never one that lets another origin read. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};
