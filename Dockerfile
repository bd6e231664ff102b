# syntax=docker/dockerfile:1

# The packages that the binary and the reference engine need, from the lock file alone, and our patches of two.
FROM oven/bun:1.4.5 AS packages
WORKDIR /build
COPY package.json bun.lock bunfig.toml ./
COPY src/kafka/driver src/kafka/driver
COPY src/store/driver src/store/driver
RUN bun install --frozen-lockfile --production --ignore-scripts

# One file with its runtime. On x86-64 for processors without AVX2 too.
FROM packages AS build
ARG ORDERS_COMMIT=unknown
COPY tsconfig.json ./
COPY sql sql
COPY src src
RUN if [ "$(uname -m)" = x86_64 ]; then bun run build --baseline --outfile /orders; else bun run build --outfile /orders; fi \
  && /orders --version

# The reference matching engine, for trying things out: docker compose --profile engine up
FROM packages AS engine
COPY tsconfig.json ./
COPY tests/engine tests/engine
USER bun
ENTRYPOINT ["bun", "tests/engine/main.ts"]

# No shell, no package manager, no root. The cc variant: the runtime links libgcc_s.
FROM gcr.io/distroless/cc-debian12:nonroot AS orders
COPY --from=build /orders /orders
ENV NODE_ENV=production
# HTTP; and where they are turned on, gRPC (GRPC_PORT=9090) and FIX (FIX_PORT=9880).
EXPOSE 8085
EXPOSE 9090
EXPOSE 9880
# The kernel ignores SIGTERM for a process 1 without a handler; this one has one, and drains.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["/orders", "health"]
ENTRYPOINT ["/orders"]
CMD ["serve"]
