package io.flipout.cli.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.cli.comparison.Sparsities;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

class RecipesTest {

    private static final Pattern ROW = Pattern.compile("(?m)^\\| `([a-z][a-z0-9-]*)` \\|");

    private final Recipes recipes = new Recipes();

    private static String readme(String folder) throws IOException {
        return Files.readString(Path.of(folder, "README.md"));
    }

    private CommandSpec command() {
        CommandSpec command = CommandSpec.create();
        recipes.addOptions(command);
        return command;
    }

    @Test
    void theReadmesTableListsTheMethodsInTheirOrder() throws IOException {
        String readme = readme("../flipout-core");
        String methods =
                readme.substring(readme.indexOf("## Methods"), readme.indexOf("## How good"));
        assertThat(ROW.matcher(methods).results().map(row -> row.group(1)))
                .containsExactlyElementsOf(recipes.names());
    }

    @Test
    void theReadmeTellsOfEveryOption() throws IOException {
        String readme = readme(".");
        for (OptionSpec option : command().options()) {
            assertThat(readme).containsPattern("`" + option.longestName() + "[` ]");
        }
    }

    @Test
    void optionsOfAMethodStandUnderItsName() {
        Map<String, List<String>> options = new TreeMap<>();
        command()
                .argGroups()
                .forEach(
                        group ->
                                options.put(
                                        group.heading(),
                                        group.allOptionsNested().stream()
                                                .map(OptionSpec::longestName)
                                                .toList()));
        assertThat(options)
                .containsEntry("%nOptions of flipout:%n", List.of("--p", "--flip-offset"))
                .containsEntry("%nOptions of soft-deep-r:%n", List.of("--soft-deep-r-density"))
                .doesNotContainKey("%nOptions of random:%n");
    }

    @Test
    void everyMethodIsMadeByItsDefaults() {
        for (String name : recipes.names()) {
            assertThat(MethodOptions.byDefault(name).name())
                    .isEqualTo(name.equals("none") ? "random" : name);
        }
        assertThat(MethodOptions.byDefault("noisy-global-magnitude").gradientTerms()).hasSize(1);
        assertThat(MethodOptions.byDefault("global-magnitude").gradientTerms()).isEmpty();
        assertThatThrownBy(() -> MethodOptions.byDefault("magic"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "Unknown method 'magic'; there are "
                                + String.join(", ", recipes.names())
                                + ".");
    }

    @Test
    void methodsWithoutAimAreSweptOverAnOptionOfTheirs() {
        assertThat(recipes.names().stream().filter(name -> MethodOptions.sweep(name).isPresent()))
                .containsExactly(
                        "layer-magnitude",
                        "hoyer-square",
                        "soft-deep-r",
                        "l0",
                        "variational-dropout",
                        "dynamic-sparse");
        assertThat(MethodOptions.sweep("soft-deep-r").map(Sweep::values).orElseThrow())
                .hasSameSizeAs(Sparsities.PAPER)
                .startsWith("0.25", "0.0625");
        for (String name : recipes.names()) {
            MethodOptions.sweep(name)
                    .ifPresent(
                            sweep ->
                                    assertThat(command().findOption("--" + sweep.option()))
                                            .isNotNull());
        }
        assertThat(MethodOptions.sweep("magic")).isEmpty();
    }
}
