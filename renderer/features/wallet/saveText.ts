/** Hands a text to the person as a file of the given name. */
export function saveText(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun with the click; what it reads stays until it is done.
  URL.revokeObjectURL(url);
}
