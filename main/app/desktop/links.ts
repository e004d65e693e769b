/** `montana:` links that the system hands to the program: passed to the page as they are, where the person confirms them. */

/** Without `:` at its end. */
export const LINK_SCHEME = "montana";
/** An account request holds a key and its proof. */
const LINK_LENGTH_MAX = 8192;

/** The link among the words of a command line. */
export const linkIn = (words: readonly string[]): string | undefined => words.find(isLink);

export const isLink = (word: string): boolean =>
  word.toLowerCase().startsWith(`${LINK_SCHEME}:`) && word.length <= LINK_LENGTH_MAX && URL.canParse(word);
