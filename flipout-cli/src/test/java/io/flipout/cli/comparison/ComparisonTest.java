package io.flipout.cli.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.cli.comparison.Comparison.Measure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ComparisonTest {

    private static final Arm DENSE = new Arm("none", "none", Map.of(), null);
    private static final Arm FLIPOUT = new Arm("flipout", "flipout", Map.of(), null);
    private static final Arm QUIET =
            new Arm("flipout noise=0", "flipout", Map.of("noise", "0"), null);
    private static final Arm HOYER =
            new Arm(
                    "hoyer-square",
                    "hoyer-square",
                    Map.of(),
                    new Sweep("hoyer-strength", List.of("1e-5", "1e-3")));

    @TempDir private Path folder;

    private static Comparison comparison(Arm... arms) {
        return new Comparison(
                "",
                Measure.TEST,
                Map.of("epochs", "5"),
                List.of(arms),
                List.of(0.5, 0.75),
                List.of(1, 2));
    }

    @Test
    void everyArmIsRunAtEverySparsityWithEverySeed() {
        assertThat(comparison(DENSE, FLIPOUT, HOYER).runs().stream().map(PlannedRun::name))
                .containsExactly(
                        "none-seed1",
                        "flipout-s0.5-seed1",
                        "flipout-s0.75-seed1",
                        "hoyer-square-hoyer-strength=1e-5-seed1",
                        "hoyer-square-hoyer-strength=1e-3-seed1",
                        "none-seed2",
                        "flipout-s0.5-seed2",
                        "flipout-s0.75-seed2",
                        "hoyer-square-hoyer-strength=1e-5-seed2",
                        "hoyer-square-hoyer-strength=1e-3-seed2");
    }

    @Test
    void whatARunSetsComesLastAndWins() {
        Comparison comparison = comparison(QUIET, HOYER);
        assertThat(comparison.arguments(comparison.runs().get(1)))
                .containsExactly(
                        "--epochs=5",
                        "--method=flipout",
                        "--noise=0",
                        "--sparsity=0.75",
                        "--seed=1");
        assertThat(comparison.arguments(comparison.runs().get(2)))
                .containsExactly(
                        "--epochs=5", "--method=hoyer-square", "--hoyer-strength=1e-5", "--seed=1");
    }

    @ParameterizedTest
    @EnumSource
    void aFolderKeepsAComparisonAsItWas(Preset preset) throws IOException {
        Comparison comparison = preset.comparison(Map.of("epochs", "22"));
        comparison.write(folder);
        assertThat(Comparison.read(folder)).isEqualTo(comparison);
        assertThat(comparison.runs().stream().map(PlannedRun::name)).doesNotHaveDuplicates();
    }

    @Test
    void aDamagedFileAndNoneAreNamed() throws IOException {
        assertThatThrownBy(() -> Comparison.read(folder))
                .hasMessageContaining("is no comparison: it has no comparison.yaml");
        Files.writeString(folder.resolve(Comparison.FILE), "arms: 5\n");
        assertThatThrownBy(() -> Comparison.read(folder))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("comparison.yaml is damaged");
        Files.writeString(folder.resolve(Comparison.FILE), "preset: \"\"\n");
        assertThatThrownBy(() -> Comparison.read(folder))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("comparison.yaml is damaged");
    }

    /** Neither of two is more right than the other. */
    @ParameterizedTest
    @ValueSource(strings = {"---\nseeds: [7]\n", "seeds: [7]\n", "---\n"})
    void whatIsSaidTwiceIsRefused(String more) throws IOException {
        Preset.TABLE2.comparison(Map.of()).write(folder);
        Path file = folder.resolve(Comparison.FILE);
        assertThat(Comparison.read(folder).seeds()).isNotEmpty();
        Files.writeString(file, Files.readString(file) + more);
        assertThatThrownBy(() -> Comparison.read(folder))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("comparison.yaml is damaged");
    }

    @Test
    void oneThatHasAllOfAnotherContinuesIt() {
        Comparison first = comparison(FLIPOUT);
        assertThat(first.continues(first)).isTrue();
        assertThat(comparison(FLIPOUT, QUIET).continues(first)).isTrue();
        assertThat(first.continues(comparison(FLIPOUT, QUIET))).isFalse();
        Comparison longer =
                new Comparison(
                        "",
                        first.measure(),
                        Map.of("epochs", "6"),
                        first.arms(),
                        first.sparsities(),
                        first.seeds());
        assertThat(longer.continues(first)).isFalse();
    }

    @Test
    void presetsAreThePapers() {
        assertThat(Preset.named("Table2").comparison(Map.of()).arms())
                .hasSize(16)
                .extracting(Arm::label)
                .contains("flipout noise=0.75", "flipout noise=1", "flipout noise=1.5");
        assertThat(Preset.TABLE3.comparison(Map.of()).options())
                .containsEntry("epochs", "350")
                .containsEntry("val-size", "10000");
        Arm hoyer =
                Preset.FIGURE4A.comparison(Map.of()).arms().stream()
                        .filter(arm -> arm.sweep() != null)
                        .findFirst()
                        .orElseThrow();
        assertThat(hoyer.options())
                .containsEntry("epochs", "500")
                .containsEntry("fine-tune", "150")
                .containsEntry("milestones", "150,250");
        assertThat(hoyer.sweep().values()).hasSize(15).startsWith("1e-7", "3e-7", "6e-7", "1e-6");
        // Scaled down, they keep their proportions.
        Comparison small = Preset.FIGURE4C.comparison(Map.of("epochs", "35", "limit", "100"));
        assertThat(small.options())
                .containsEntry("dataset", "imagenette")
                .containsEntry("limit", "100");
        assertThat(small.arms().get(4).options())
                .containsEntry("epochs", "50")
                .containsEntry("milestones", "15,25");
        assertThatThrownBy(() -> Preset.named("figure6"))
                .hasMessage(
                        "There is no preset 'figure6'; there are table2, table3, figure4a,"
                                + " figure4b, figure4c, figure5a, figure5b, figure5c.");
    }

    @Test
    void publishedNumbersAreFoundWhereTheyExist() {
        Comparison figure = Preset.FIGURE4A.comparison(Map.of());
        Published last = Published.find(figure, FLIPOUT, 0.999).orElseThrow();
        assertThat(last.mean()).isCloseTo(0.8250, within(1e-9));
        assertThat(last.deviation()).isCloseTo(0.0012, within(1e-9));
        assertThat(Published.find(figure, DENSE, 0).orElseThrow().mean())
                .isCloseTo(0.9537, within(1e-9));
        assertThat(Published.find(figure, FLIPOUT, 0.9)).isEmpty();
        assertThat(Published.find(Preset.FIGURE4A.comparison(Map.of("width", "8")), FLIPOUT, 0.999))
                .isEmpty();
        // Their sweep of VGG-19 begins at 96 %.
        Comparison vgg = Preset.FIGURE4B.comparison(Map.of());
        assertThat(Published.find(vgg, HOYER, 0.9990234375).orElseThrow().mean())
                .isCloseTo(0.8190, within(5e-5));
        assertThat(Published.find(vgg, HOYER, 0.9375)).isEmpty();
        Comparison table = Preset.TABLE3.comparison(Map.of());
        Arm quartic = new Arm("flipout p=4", "flipout", Map.of("p", "4"), null);
        assertThat(Published.find(table, quartic, 0.9375).orElseThrow().mean())
                .isCloseTo(0.9411, within(1e-9));
    }
}
