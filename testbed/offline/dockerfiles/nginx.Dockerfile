# Stands in for the published nginx image, from Debian's nginx. Context: nginx.conf.
FROM debian:bookworm-slim
RUN groupadd --system --gid 101 nginx \
    && useradd --system --uid 101 --gid 101 --no-create-home --shell /usr/sbin/nologin nginx \
    && apt-get update \
    && apt-get install -y --no-install-recommends nginx-light \
    && rm -rf /var/lib/apt/lists/* /etc/nginx/sites-* /var/www/html \
    && mkdir -p /usr/share/nginx/html /etc/nginx/conf.d \
    && ln -sf /dev/stdout /var/log/nginx/access.log \
    && ln -sf /dev/stderr /var/log/nginx/error.log \
    && chmod -R 1777 /run /var/lib/nginx
COPY nginx.conf /etc/nginx/nginx.conf
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
