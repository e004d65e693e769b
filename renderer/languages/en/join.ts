export const join = {
  title: "Join",
} as const;
