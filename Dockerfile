# The image as tools/image.ts makes it, for those who build with Docker: Node.js, the libraries it needs, the bundle,
# nothing else. It runs as user 65532 with a root file system that may be read-only.
FROM node:24-bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-fund --no-audit --loglevel=error
COPY . .
RUN node --disable-warning=ExperimentalWarning tools/image.ts --rootfs /rootfs

FROM scratch
COPY --from=build /rootfs /
USER 65532:65532
ENV PATH=/usr/bin NODE_ENV=production SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
ENTRYPOINT ["/usr/bin/node", "--disable-warning=ExperimentalWarning", "--max-semi-space-size=4", "/windlass/windlass.mjs"]
CMD ["operator"]
