/** Where the page starts: a session with the host, the languages, the picture of the host, then the views. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { createClient } from "../main/api/client.ts";
import { App } from "./App.tsx";
import { startLanguages } from "./languages/languages.ts";
import { openSession } from "./session.ts";
import { setApi } from "./store/api.ts";
import { keepConnected } from "./store/connection.ts";
import "./ui/theme.css";

const client = createClient(await openSession());
setApi(client);
startLanguages();
keepConnected(client);
createRoot(document.getElementById("page")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
