/** What the shell gives its page beyond the API, as `window.montana`; a page in a browser has none of it. */
export interface Bridge {
  /**
   * Calls back with each `montana:` link that the system handed to the program, also with one from before. The link is somebody
   * else's word: the person confirms it before anything happens. Gives the way to end that.
   */
  onLink(listener: (link: string) => void): () => void;
}
