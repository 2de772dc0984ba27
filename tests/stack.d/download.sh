# shellcheck shell=bash disable=SC2034,SC2154 # cache and versions come from tests/stack
# What must be on the machine, and fetching the Java servers from Maven Central.

java_bin=${JAVA_HOME:+$JAVA_HOME/bin/}java
dist=$cache/kafka-$KAFKA_VERSION-registry-$REGISTRY_VERSION
kafka_libs=$dist/kafka
registry_home=$dist/registry

postgres_bin() {
    local initdb
    initdb=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -t/ -k5 -n | tail -n 1)
    [ -x "$initdb" ] || initdb=$(command -v initdb) || return 1
    dirname "$initdb"
}

java_major() { "$java_bin" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1; }

need_tools() {
    local tool packages=()
    local -A package=([perl]=perl [curl]=curl [mvn]=maven [flock]=util-linux [setsid]=util-linux [ps]=procps)
    for tool in "${!package[@]}"; do
        [ "$tool" != mvn ] || [ ! -d "$dist" ] || continue # only the download needs it
        command -v "$tool" >/dev/null || packages+=("${package[$tool]}")
    done
    [ "$(java_major)" -ge 17 ] 2>/dev/null || packages+=(openjdk-17-jre-headless)
    postgres_bin >/dev/null || packages+=("postgresql-$POSTGRES_VERSION")
    [ ${#packages[@]} = 0 ] && return
    say "missing on this machine; on Debian 12 run:  apt-get install -y ${packages[*]}"
    fail "or, with Docker, run 'docker compose up' and set PEYVAND_TEST_KAFKA, PEYVAND_TEST_REGISTRY and PEYVAND_TEST_POSTGRES to its addresses"
}

# One mvn fetches everything. The registry's pom names a parent that is not on Maven Central, so it stands outside
# our pom, and the plugin is 2.10: from 3.0 on, `copy` fails on such a parent. The folder appears under its
# name only when it is complete.
download() {
    local began=$EPOCHREALTIME part plugin=org.apache.maven.plugins:maven-dependency-plugin:2.10
    [ ! -d "$dist" ] || return 0
    mkdir -p "$cache"
    exec 8>"$cache/lock"
    flock 8
    if [ ! -d "$dist" ]; then
        say "fetching Kafka $KAFKA_VERSION and Apicurio Registry $REGISTRY_VERSION (163 MB, once)"
        part=$(mktemp -d "$cache/part.XXXXXX")
        write_pom >"$part/pom.xml"
        if ! mvn -q -B -C -f "$part/pom.xml" "$plugin:copy-dependencies" "$plugin:copy" -DoutputDirectory="$part/kafka" \
            -Dartifact="io.apicurio:apicurio-registry-app:$REGISTRY_VERSION:tar.gz:all" >"$part/mvn.log" 2>&1 8>&- 9>&-; then
            tail -n 20 "$part/mvn.log" >&2
            rm -rf "$part"
            fail "Maven could not fetch the servers; is Maven Central reachable from here?"
        fi
        mkdir "$part/registry"
        tar -xzf "$part/kafka/apicurio-registry-app-$REGISTRY_VERSION-all.tar.gz" -C "$part/registry" --strip-components="$(archive_depth "$part")"
        rm "$part/kafka/"*.tar.gz
        mv -T "$part" "$dist"
        say "fetched in $(seconds_since "$began")"
    fi
    exec 8>&-
}

# How many folders stand above the registry's jar inside its archive.
archive_depth() {
    tar -tzf "$1/kafka/apicurio-registry-app-$REGISTRY_VERSION-all.tar.gz" |
        sed -n "s|^\./||; s|apicurio-registry-app-$REGISTRY_VERSION-runner.jar\$||p" | head -n 1 | tr -cd / | wc -c
}

write_pom() {
    cat <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>peyvand</groupId><artifactId>stack</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$KAFKA_VERSION</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$KAFKA_VERSION</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
}
