/** The page's one picture of the host, and the one place that changes it. */
import { create } from "zustand";

import type { Rate } from "./hostState.ts";
import type { HostEvent, Notice } from "../../main/api/contract.ts";
import { apply, hear, lose, NO_HOST, withEarlierRates, withoutNotice, type HostState } from "./hostState.ts";

/** `useHost((host) => host.tunnel)`: draws anew when that changes. */
export const useHost = create<HostState>(() => NO_HOST);

/** Whether what the page shows may no longer hold. */
export const useIsStale = (): boolean => useHost(({ link }) => link !== "live");

export const hostStore = {
  apply: (event: HostEvent) => useHost.setState((state) => apply(state, event, Date.now())),
  hear: () => useHost.setState((state) => hear(state, Date.now())),
  lose: () => useHost.setState((state) => lose(state, Date.now())),
  end: (over: Notice) => useHost.setState({ over }),
  addEarlierRates: (rates: readonly Rate[]) => useHost.setState((state) => withEarlierRates(state, rates)),
};

export const dismissNotice = (id: number): void => useHost.setState((state) => withoutNotice(state, id));

/** Something that the page itself noticed, shown as what the host tells is. */
export const tell = (notice: Notice): void =>
  useHost.setState((state) => apply(state, { kind: "notice", payload: notice, seq: 0, cursor: "" }, Date.now()));
