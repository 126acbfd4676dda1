package io.flipout.cli.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class RunProcessTest {

    @Test
    void aRunTakesTheOptionsOfJavaThatTheComparisonHas() {
        List<String> options =
                List.of(
                        "-Xmx8g",
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-Dflipout.kills=300",
                        "-Dmine=a b",
                        "-agentlib:hprof",
                        "-XX:+HeapDumpOnOutOfMemoryError");
        assertThat(RunProcess.inherited(options)).isEqualTo(options);
        assertThat(
                        RunProcess.inherited(
                                List.of(
                                        "-Dflipout.columns=80",
                                        "-Dflipout.spark=/builds/spark",
                                        "-Dflipout.spark.socket=/tmp/socket",
                                        "-Dflipout.home=/builds/cpu",
                                        "-agentlib:jdwp=transport=dt_socket,address=5005",
                                        "-Dflipout.supervised=true")))
                .isEmpty();
    }
}
