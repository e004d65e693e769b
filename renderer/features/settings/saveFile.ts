/** Hands a text to the browser's own saving, where the person says what becomes of it. */
export function saveFile(fileName: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  // Saving has begun with the click; what is let go of in the same moment some browsers no longer find.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}
