/** What a person can do here: one view each, in the order of the navigation. */
import type { ComponentType } from "react";

import { JoinView } from "./features/join/JoinView.tsx";
import { MapView } from "./features/map/MapView.tsx";
import { NetworkView } from "./features/network/NetworkView.tsx";
import { SettingsView } from "./features/settings/SettingsView.tsx";
import { WalletView } from "./features/wallet/WalletView.tsx";

export const VIEWS = ["map", "join", "wallet", "network", "settings"] as const;
export type ViewName = (typeof VIEWS)[number];

export const views: Readonly<Record<ViewName, ComponentType>> = {
  map: MapView,
  join: JoinView,
  wallet: WalletView,
  network: NetworkView,
  settings: SettingsView,
};
