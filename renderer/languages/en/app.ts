/** The frame around the views, and words that all of them use. */
export const app = {
  title: "Montana",
  skipToContent: "Skip to the content",
  navigation: "Views",
  navMap: "Map",
  navJoin: "Join",
  navWallet: "Wallet",
  navNetwork: "Network",
  navSettings: "Settings",

  linkConnecting: "Looking for the Montana service on this computer…",
  linkLost: "The Montana service stopped answering {{age}}. What you see is how things were then.",
  linkLostUnheard: "The Montana service does not answer. The page goes on looking for it.",
  linkBack: "The Montana service answers again.",

  loading: "Loading…",
  close: "Close",
  cancel: "Cancel",
  confirm: "Confirm",
  retry: "Try again",
  save: "Save",
  back: "Back",
  next: "Next",
  copy: "Copy",
  copied: "Copied",
  dismiss: "Dismiss",
  more: "More",
  unknown: "unknown",
  notices: "Messages",

  asOf: "as of {{age}}",
  staleHint: "This may have changed since.",
  secondsShort: "{{value}} s",
  millisecondsShort: "{{value}} ms",

  viewFailed: "This view could not be drawn.",
  viewFailedRemedy: "The rest goes on working, and so do the tunnel and the node. Open the view again.",
  openAgain: "Open it again",

  qrLabel: "QR code",
} as const;
