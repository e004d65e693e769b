/** Made by vite.config.ts: where the map's worker lies. */
declare module "virtual:map-worker-address" {
  const address: string;
  export default address;
}
