/** The question about a link that was opened elsewhere. */
export const links = {
  title: "A link was opened",
  connectText: "It asks to connect you through {{city}}.",
  connectBestText: "It asks to connect you through the best city.",
  importText:
    "It asks to add the list of cities at {{from}}. Whoever keeps that list chooses where your traffic comes out.",
  importKeyText: "It asks to add a way into a city. Whoever made it chooses where your traffic comes out.",
  payText: "It asks you to pay {{to}}. Nothing is sent before you have seen and confirmed the whole payment.",
  payRequestText:
    "It asks for a payment that opens somebody's account. Nothing is sent before you have seen and confirmed all of it.",
  unknownText: "This program does not know what the link asks for. Nothing was done.",
  hint: "Say yes only if it was you who opened the link, and if you trust where it comes from.",
  connect: "Connect",
  import: "Add",
  pay: "To the payment",
  refuse: "Do nothing",
  close: "Close",
} as const;
