# As Dockerfile beside it, over TLS. haproxy.pem, haproxy.key and helper.pem are put into deploy/haproxy/ssl before it is built:
#   docker build --file docker/dataplane/tls.Dockerfile --tag cyb3rhq-haproxy .
FROM haproxytech/haproxy-ubuntu:2.8

COPY haproxy.cfg /etc/haproxy/
COPY dataplaneapi-tls.yml /etc/haproxy/dataplaneapi.yml
COPY ssl/haproxy.pem ssl/haproxy.key ssl/helper.pem /etc/haproxy/ssl/
COPY docker/haproxy-service /etc/init.d/haproxy
COPY docker/entrypoint.sh /entrypoint.sh
RUN chmod 0755 /etc/init.d/haproxy /entrypoint.sh && chmod 0600 /etc/haproxy/dataplaneapi.yml /etc/haproxy/ssl/haproxy.key

EXPOSE 1514 1515 6443
ENTRYPOINT ["/entrypoint.sh"]
