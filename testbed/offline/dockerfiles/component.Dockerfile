# One static program under the name of a Kubernetes component's image. Context: program, tmp/.
FROM scratch
COPY . /
ENV PATH=/usr/local/bin
