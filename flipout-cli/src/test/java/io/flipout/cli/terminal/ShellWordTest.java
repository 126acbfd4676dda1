package io.flipout.cli.terminal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShellWordTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "runs/a",
                "my runs/a",
                "it's",
                "$HOME",
                "a;b",
                "a*",
                "`a`",
                "\"a\"",
                "~",
                "#a",
                "a&b",
                "\\",
                "a\tb",
                "(a)",
                "!a",
                "{a,b}"
            })
    void aShellReadsThePathBack(String path) throws Exception {
        String command = "printf %s " + ShellWord.of(Path.of(path));
        Process shell = new ProcessBuilder("bash", "-c", command).start();
        assertThat(new String(shell.getInputStream().readAllBytes(), UTF_8)).isEqualTo(path);
    }

    @Test
    void plainPathsAreLeftAsTheyAre() {
        assertThat(ShellWord.of(Path.of("/data/lauf_1-ä.b"))).isEqualTo("/data/lauf_1-ä.b");
        assertThat(ShellWord.of(Path.of("my runs"))).isEqualTo("'my runs'");
    }
}
