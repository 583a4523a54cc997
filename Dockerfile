# One image for masters and node agents: `trireme master`, `trireme node`, `trireme pki`. What a build without a network
# needs, and how to make it reproducible: docs/kubernetes.md.

# Of a mirror, or by digest: --build-arg NODE_IMAGE=registry.example.org/node@sha256:…
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
# Packages first: they change more rarely than sources. The lock file names each by version and checksum.
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/ scripts/
COPY bin/ bin/
COPY loadtest/ loadtest/
COPY libs/ libs/
COPY apps/ apps/
# What the bundles were made of stays behind; the few packages that they load at run time are put aside.
RUN npm run build && rm -rf dist/apps dist/libs dist/loadtest dist/.tsbuildinfo \
    && mkdir /packages && node scripts/runtime-packages.mjs | xargs cp --parents -r -t /packages

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Trireme" \
      org.opencontainers.image.description="A highly available, Kubernetes-compatible control plane" \
      org.opencontainers.image.licenses="Apache-2.0"
# The bundles hold all but a few of the packages that the programs load; nothing is installed here: no npm.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn* \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg \
    && ln -s /usr/lib/trireme/bin/trireme.mjs /usr/local/bin/trireme
WORKDIR /usr/lib/trireme
COPY LICENSE package.json ./
COPY --from=build /src/bin/trireme.mjs bin/
COPY --from=build /src/dist/ dist/
COPY --from=build /packages/ ./
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 HOME=/tmp
# Of nobody that the host knows.
USER 65532:65532
ENTRYPOINT ["trireme"]
CMD ["--help"]
