import { describe, expect, test } from "vitest";

import { loadCrypto } from "../native/index.ts";
import { answerRequest, preparePages } from "./endpoints.ts";

const { crypto } = loadCrypto();
const pages = preparePages((bytes) => crypto.sha256(bytes), {
  subscription: "c3Vi",
  cities: new Map([
    ["fra", "vless://a"],
    ["FRA", "vless://b"],
  ]),
  documents: new Map([["/net/cities.json", "{}"]]),
  profile: { title: "Montana", supportUrl: "https://example.org/s" },
});
const get = (path: string, ifNoneMatch?: string) => answerRequest(pages, { method: "GET", path, ifNoneMatch });

describe("the public server", () => {
  test("answers the same whatever the query says", () => {
    expect(get("/vpn/sub?region=eu&x=1")).toEqual(get("/vpn/sub"));
    expect(get("/vpn/city/fra?")).toEqual(get("/vpn/city/fra"));
  });

  test("lets other sites read public documents, and nothing else", () => {
    expect(get("/net/cities.json").headers).toMatchObject({
      "access-control-allow-origin": "*",
      "content-type": "application/json; charset=utf-8",
    });
    expect(get("/vpn/sub").headers).not.toHaveProperty("access-control-allow-origin");
  });

  test("sends phone clients what they read, and no header that makes them identify a person", () => {
    const { headers } = get("/vpn/sub");
    expect(headers).toMatchObject({ "profile-update-interval": "1", "support-url": "https://example.org/s" });
    expect(Object.keys(headers).filter((name) => /hwid|hide-settings|set-cookie/.test(name))).toEqual([]);
  });

  test("does not send again what a cache has, by any notation of its tag", () => {
    const { etag } = get("/vpn/sub").headers;
    for (const field of [etag!, `W/${etag!}`, `"a" , ${etag!}`, " * "]) {
      expect(get("/vpn/sub", field)).toMatchObject({ status: 304, body: "" });
    }
    expect(get("/vpn/sub", etag!.slice(1, -1)).status).toBe(200);
  });

  test("knows no city by another name than its code", () => {
    for (const path of ["/vpn/city/FRA", "/vpn/city/fra/", "/vpn/city/%66ra", "/vpn/city/../sub", "//vpn/sub", ""]) {
      expect(get(path).status).toBe(404);
    }
  });

  test("tells other methods which ones there are", () => {
    const answer = answerRequest(pages, { method: "DELETE", path: "/vpn/sub" });
    expect(answer).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
  });
});
