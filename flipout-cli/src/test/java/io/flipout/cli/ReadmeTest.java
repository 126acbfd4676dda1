package io.flipout.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.engine.Engine;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The commands of the READMEs are run as they stand there, one after the other, with options behind
 * them that scale them down, and print what is shown beneath them but for the numbers.
 */
class ReadmeTest {

    private static final Pattern BLOCK = Pattern.compile("(?ms)^```(\\w*)\\n(.*?)^```$");

    /** Folders and files of the commands; all of them go below a folder of this test. */
    private static final Pattern PLACE =
            Pattern.compile("(runs|results)/\\S+|cifar/|photos/|\\w+\\.pt");

    /** What makes a training one of a second; the last of an option counts. */
    private static final List<String> SMALL =
            List.of(
                    "--model=lenet300",
                    "--dataset=mnist",
                    "--device=cpu",
                    "--threads=1",
                    "--epochs=12",
                    "--limit=60",
                    "--batch-size=20",
                    "--lr=0.02");

    @TempDir private Path folder;
    private Path data;

    @BeforeEach
    void write() throws IOException {
        data = TinyData.write(folder.resolve("tiny"), 60, 20);
        Path photo = Files.createDirectory(folder.resolve("photos")).resolve("shirt.png");
        ImageIO.write(
                new BufferedImage(28, 28, BufferedImage.TYPE_BYTE_GRAY), "png", photo.toFile());
        Path mine = folder.resolve("first");
        List<Object> words = TinyData.command("train", data, mine, "--epochs", 1);
        words.addAll(List.of("--method", "none"));
        assertThat(Shell.run(words).status()).isZero();
        assertThat(Shell.run("export", mine, "--out", folder.resolve("mine.pt")).status()).isZero();
    }

    /** The commands of a README in their order, each with the lines that it shows beneath. */
    private static Map<String, List<String>> commands(String readme) throws IOException {
        Map<String, List<String>> commands = new LinkedHashMap<>();
        Matcher blocks = BLOCK.matcher(Files.readString(Path.of(readme)));
        String last = null;
        while (blocks.find()) {
            if (!blocks.group(1).isEmpty()) {
                continue; // Code of another language.
            }
            String block = blocks.group(2).replaceAll(" *\\\\\\n *", " ");
            boolean shows = !block.startsWith("./flipout") && block.startsWith("epoch");
            for (String line : block.lines().toList()) {
                if (line.startsWith("./flipout")) {
                    last = line.replaceFirst("^\\./flipout ", "").replaceFirst(" +# .*", "");
                    commands.put(last, new ArrayList<>());
                } else if (last != null && (shows || block.startsWith("./flipout"))) {
                    commands.get(last).add(line);
                }
            }
        }
        return commands;
    }

    private List<Object> words(String command) {
        List<Object> words = new ArrayList<>();
        for (String word : command.split(" +", -1)) {
            words.add(PLACE.matcher(word).matches() ? folder.resolve(word) : word);
        }
        return words;
    }

    /** Everything but the numbers, wherever the commands were run. */
    private String form(String line) {
        return line.replace(folder + "/", "")
                .replaceAll("[0-9]+(,[0-9]{3})*(\\.[0-9]+)*(E-?[0-9]+)?", "#")
                .replaceAll(" +", " ");
    }

    private Shell run(String command, String... more) {
        List<Object> words = words(command);
        words.addAll(List.of(more));
        return Shell.run(words);
    }

    private Shell train(String command, List<String> shown) {
        List<String> more = new ArrayList<>(SMALL);
        if (command.contains(".pt")) {
            more.remove(0); // It is a user's own network.
        }
        more.add("--data=" + data);
        if (command.contains("--max-time") || command.contains("runs/paper")) {
            more.add("--max-time=2epochs"); // Something comes between.
        }
        if (!command.contains("--out")) {
            String out =
                    shown.stream()
                            .map(Pattern.compile("The run is in (\\S+):")::matcher)
                            .filter(Matcher::find)
                            .map(found -> found.group(1))
                            .findFirst()
                            .orElse("runs/unnamed");
            more.add("--epochs=20");
            more.add("--out=" + folder.resolve(out));
        }
        return run(command, more.toArray(String[]::new));
    }

    /** All runs of a comparison are planned as it stands; two of them are trained. */
    private Shell compare(String command) {
        if (command.matches("compare --out \\S+.*")) {
            return run(command);
        }
        assertThat(run(command, "--data=nowhere").err())
                .as(command)
                .containsPattern("There is no folder \\S*nowhere");
        List<String> more = new ArrayList<>(SMALL);
        more.addAll(List.of("--data=" + data, "--methods=random", "--sparsities=0.5", "--jobs=1"));
        more.addAll(List.of("--no-dense", "--seeds=1", "--val-size=10", "--epochs=3"));
        String small =
                command.replaceAll(
                        "--(methods|seeds|sparsities|jobs|gpus|preset|width|spark|spark-conf|ship)"
                                + " \\S+ *",
                        "");
        return run(small, more.toArray(String[]::new));
    }

    private Shell bench(String asked) {
        List<String> more = new ArrayList<>();
        String command = asked.replaceAll("--(batch|threads|startup) \\S+", "--$1 1");
        switch (command.split(" ", -1)[1]) {
            case "step" -> more.addAll(List.of("--model=lenet300", "--batch-size=8", "--steps=3"));
            case "launches" -> more.add("--model=lenet300");
            case "prune" -> more.add("--weights=10000");
            case "data" -> more.addAll(List.of("--dataset=mnist", "--data=" + data));
            case "infer" -> more.addAll(List.of("--model=lenet300", "--repeat=3", "--warm-up=0"));
            case "export" -> more.addAll(List.of("--model=lenet300", "--repeat=1"));
            default -> more.add("--repeat=1");
        }
        return run(command, more.toArray(String[]::new));
    }

    private static boolean isOld() {
        return Engine.getEngine("PyTorch").getVersion().startsWith("2.0.");
    }

    private void check(String readme) throws IOException {
        for (Map.Entry<String, List<String>> entry : commands(readme).entrySet()) {
            String command = entry.getKey();
            if (command.startsWith("-P") || command.startsWith("spark ")) {
                continue; // A matter of the script that starts this.
            }
            if (command.contains("--compact") && isOld()) {
                continue; // Refused, as CompactTest says.
            }
            Shell shell =
                    switch (command.split(" ", -1)[0]) {
                        case "train" -> train(command, entry.getValue());
                        case "compare" -> compare(command);
                        case "bench" -> bench(command);
                        default -> run(command);
                    };
            assertThat(shell.status()).as(command + "\n" + shell.err()).isZero();
            List<String> printed = shell.out().lines().map(this::form).toList();
            for (String line : entry.getValue()) {
                String form = form(line);
                if (!line.isBlank() && !line.equals("...")) {
                    assertThat(printed)
                            .as("what '%s' prints", command)
                            .anyMatch(p -> isLike(p, form));
                }
            }
        }
    }

    /** JSON is like other JSON of the same keys; names are those of what was scaled down. */
    private static boolean isLike(String printed, String shown) {
        String[] pair = {printed, shown};
        for (int i = 0; i < pair.length; i++) {
            pair[i] = pair[i].replaceAll("\"(model|batch)\":[^,]*", "\"$1\":").strip();
        }
        return pair[0].equals(pair[1]);
    }

    @Test
    void theCommandsOfTheReadmesDoWhatTheyShow() throws IOException {
        assertThat(commands("../README.md")).hasSizeGreaterThan(10);
        check("../README.md");
        assertThat(commands("README.md")).hasSizeGreaterThan(16);
        check("README.md");
    }
}
