# shellcheck shell=bash disable=SC2154 # ports and work come from the state file tests/stack loads
# How each server is started (again), where it stands, and when it truly serves. A port that accepts
# a connection is not yet a server that answers.

# Starts sooner and runs slower: right for tests. PEYVAND_STACK_FOR=bench leaves it out.
java_speed=-XX:TieredStopAtLevel=1
[ "${PEYVAND_STACK_FOR:-tests}" = tests ] || java_speed=

kafka_address() { printf '127.0.0.1:%s' "$kafka_port"; }
registry_address() { printf 'http://127.0.0.1:%s/apis/ccompat/v7' "$registry_port"; }
postgres_address() { printf 'postgres://postgres@127.0.0.1:%s/postgres' "$postgres_port"; }

# The second listener is what a careful company has: TLS and a user with a password (SCRAM). Its certificate signs itself. Who
# comes by the third is sent to 127.0.0.2, where a test puts the line that it cuts (tests/kill.d/cut.rs).
make_certificate() {
    local keytool=${java_bin%java}keytool store=$work/kafka.p12
    "$keytool" -genkeypair -alias kafka -keyalg EC -groupname secp256r1 -validity 30 -dname CN=127.0.0.1 \
        -ext san=ip:127.0.0.1 -storetype PKCS12 -keystore "$store" -storepass for-tests >>"$work/kafka.log" 2>&1 &&
        "$keytool" -exportcert -rfc -alias kafka -keystore "$store" -storepass for-tests -file "$work/kafka.pem" >>"$work/kafka.log" 2>&1
}

# After kill -9 the controller waits for the dead broker's session to end before it lets the new one in, hence
# the short session.
start_kafka() {
    local properties=$work/kafka.properties
    if [ ! -f "$properties" ]; then
        make_certificate || return 1
        cat >"$properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:$controller_port
listeners=PLAINTEXT://127.0.0.1:$kafka_port,TLS://127.0.0.1:$kafka_tls_port,FAR://127.0.0.1:$kafka_far_port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$kafka_port,TLS://127.0.0.1:$kafka_tls_port,FAR://127.0.0.2:$kafka_far_port
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,TLS:SASL_SSL,FAR:PLAINTEXT
ssl.keystore.type=PKCS12
ssl.keystore.location=$work/kafka.p12
ssl.keystore.password=for-tests
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.tls.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$work/kafka
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=4000
auto.create.topics.enable=false
PROPERTIES
        launch kafka "$java_bin" -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$kafka_libs/*" \
            -Dorg.slf4j.simpleLogger.defaultLogLevel=warn kafka.tools.StorageTool \
            format --standalone -t "$(cluster_id)" -c "$properties" \
            --add-scram 'SCRAM-SHA-512=[name=peyvand,password=for-tests]'
        wait $! || return 1
    fi
    # shellcheck disable=SC2086 # several options
    launch kafka "$java_bin" -Xmx512m -XX:+UseSerialGC $java_speed -cp "$kafka_libs/*" \
        -Dorg.slf4j.simpleLogger.defaultLogLevel=warn kafka.Kafka "$properties"
}

# Kafka's form of a random UUID: 16 bytes in URL-safe base64; a leading dash would look like an option.
cluster_id() { head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=' | sed 's/^-/A/'; }

# Asks for the metadata of no topic (version 1) and counts the brokers in the answer: a broker that is still
# fenced off is not among them.
kafka_serves() {
    perl -MIO::Socket::INET -e '
        alarm 5;
        my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => shift, Timeout => 2) or exit 1;
        my $request = pack("nnNn/a* N", 3, 1, 7, "stack", 0);
        print $s pack("N/a*", $request);
        $s->flush;
        (read($s, my $head, 12) // 0) == 12 or exit 1;
        my ($length, $id, $brokers) = unpack("NNN", $head);
        exit !($id == 7 && $brokers >= 1 && $brokers < 100);' "$kafka_port" 2>/dev/null
}

# On disk and written through, so that a killed registry comes back with its schemas and their ids.
start_registry() {
    launch registry env QUARKUS_HTTP_HOST=127.0.0.1 QUARKUS_HTTP_PORT="$registry_port" \
        APICURIO_STORAGE_KIND=sql APICURIO_STORAGE_SQL_KIND=h2 \
        APICURIO_DATASOURCE_URL="jdbc:h2:file:$work/registry/db;WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE" \
        "$java_bin" -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir="$work/registry" \
        -jar "$registry_home/apicurio-registry-app-$REGISTRY_VERSION-runner.jar"
}

registry_serves() { curl -fsS -m 5 -o /dev/null "$(registry_address)/subjects" 2>/dev/null; }

# PostgreSQL refuses to run as root, and fsync stays on: kill tests believe what it says. After a kill it writes through
# the whole disk and not each file of hundreds of databases.
start_postgres() {
    local bin data=$work/postgres as=()
    bin=$(postgres_bin) || return 1
    [ "$(id -u)" != 0 ] || as=(setpriv --reuid postgres --regid postgres --init-groups --reset-env)
    if [ ! -d "$data" ]; then
        mkdir "$data"
        [ "$(id -u)" != 0 ] || chown postgres: "$data"
        (cd / && "${as[@]}" "$bin/initdb" -D "$data" -A trust -U postgres --no-sync -E UTF8 --locale=C.UTF-8) >>"$work/postgres.log" 2>&1 || return 1
    fi
    # Where nobody reaps orphans (process 1 of many containers), a killed server's pid stays, and PostgreSQL
    # takes its own corpse for a rival.
    if [ -f "$data/postmaster.pid" ] && zombie "$(head -n 1 "$data/postmaster.pid")"; then rm "$data/postmaster.pid"; fi
    (cd / && launch postgres "${as[@]}" "$bin/postgres" -D "$data" -p "$postgres_port" -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories= -c max_connections=300 -c recovery_init_sync_method=syncfs)
}

postgres_serves() {
    local bin
    bin=$(postgres_bin) && "$bin/pg_isready" -q -h 127.0.0.1 -p "$postgres_port" -U postgres &&
        [ "$("$bin/psql" -X -h 127.0.0.1 -p "$postgres_port" -U postgres -Atc 'select 1' postgres 2>/dev/null)" = 1 ]
}
