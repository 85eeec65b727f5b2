# Stands in for the published golang image, without its C compiler and git: the builds of the
# testbed need neither, and every one of them unpacks this image. Context: go/ (a Go distribution).
FROM debian:bookworm-slim
COPY go /usr/local/go
ENV GOPATH=/go GOTOOLCHAIN=local GOCACHE=/var/cache/go-build \
    PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# A web service compiles in seconds when the standard library already is; without a C compiler
# cgo is off, as it is in the builds of images from scratch.
RUN mkdir -p /go/src /go/bin "$GOCACHE" && chmod -R 777 /go \
    && go build net/http encoding/json log/slog embed os/signal \
    && go build -trimpath net/http encoding/json log/slog embed os/signal \
    && chmod -R 777 "$GOCACHE"
WORKDIR /go
