package io.flipout.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flipout.cli.option.CommandLines;
import io.flipout.cli.option.YamlDefaults;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.Fuzz;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** Configurations that damage or malice made. */
class HostileConfigTest {

    private static final String CONFIG =
            """
            model: "lenet300"
            dataset: "fashion-mnist"
            method: "flipout"
            sparsity: 0.99
            allocation: "global"
            exclude:
            - "layer1.*"
            epochs: 10
            batch-size: 128
            lr: 0.1
            momentum: 0.9
            milestones:
            - 5
            - 8
            seed: 1
            checkpoint: "1epoch"
            """;

    /** Of Java's memory; what the parser's own tables take, and those of the options. */
    private static final long MEMORY = 16 << 20;

    @TempDir private Path folder;
    private Path file;

    @BeforeEach
    void write() throws IOException {
        file = folder.resolve("config.yaml");
        Files.writeString(file, CONFIG);
    }

    @Test
    void damagedFilesAreRefused() throws Exception {
        CommandLine train = new CommandLine(new TrainCommand());
        int refused =
                Fuzz.damage(
                        file,
                        5_000,
                        MEMORY,
                        Set.of(Failure.class),
                        () -> YamlDefaults.read(file, train.getCommandSpec()));
        assertThat(refused).isPositive();
    }

    /** Whatever a file makes of the options, the training is planned or refused in a sentence. */
    @Test
    void damagedValuesAreRefused() throws Exception {
        Fuzz.damage(
                file,
                1_000,
                MEMORY,
                Set.of(Failure.class),
                () -> {
                    TrainCommand command = new TrainCommand();
                    CommandLine train = CommandLines.configured(new CommandLine(command));
                    train.setDefaultValueProvider(YamlDefaults.read(file, train.getCommandSpec()));
                    try {
                        train.parseArgs();
                        command.check();
                    } catch (Failure | ParameterException e) {
                        assertThat(e.getMessage()).isNotBlank();
                    } catch (IllegalArgumentException e) {
                        assertThat(e.getClass()).isEqualTo(IllegalArgumentException.class);
                        assertThat(e.getMessage()).isNotBlank();
                    }
                });
    }

    /** Names for what was said before are not followed, nor nests built, nor huge texts read. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "exclude: &a [x, x]\ninclude: [*a, *a]\nmodel: [[*a, *a], [*a, *a]]",
                "model: !!javax.script.ScriptEngineManager [a]",
                "DEEP",
                "LONG",
            })
    void whatYamlCanDoIsNotDone(String content) throws Exception {
        Files.writeString(
                file,
                content.equals("DEEP")
                        ? "model: " + "[".repeat(100_000)
                        : content.equals("LONG") ? "model: " + "x".repeat(4_000_000) : content);
        CommandLine train = new CommandLine(new TrainCommand());
        if (content.contains("!!")) {
            YamlDefaults read = YamlDefaults.read(file, train.getCommandSpec());
            assertThat(read.defaultValue(train.getCommandSpec().findOption("--model")))
                    .isEqualTo("a");
            return;
        }
        assertThatThrownBy(() -> YamlDefaults.read(file, train.getCommandSpec()))
                .isInstanceOf(Failure.class)
                .hasMessageContaining(file.toString());
    }
}
