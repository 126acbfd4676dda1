package io.flipout.cli.run;

import ai.djl.Model;
import ai.djl.nn.SymbolBlock;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.Pruner;
import io.flipout.djl.checkpoint.Checkpoint;
import io.flipout.djl.checkpoint.CheckpointException;
import io.flipout.djl.torchscript.TorchScriptModels;
import io.flipout.djl.training.LoopPosition;
import io.flipout.djl.training.Score;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The checkpoints in the folder of a run, the newest ones. */
public final class RunCheckpoints {

    private static final Pattern NAME = Pattern.compile("e\\d{6}-b\\d{8}\\.safetensors");

    private static final String SUMMARY = "summary";

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path folder;

    RunCheckpoints(Path folder) {
        this.folder = folder;
    }

    /**
     * A checkpoint that can be gone on from.
     *
     * @param file its file
     * @param module the TorchScript module beside it; empty for networks of blocks
     * @param position where the training was
     * @param epochs the epochs that the training was to take
     * @param seconds how long it had taken
     * @param images the images that it had seen; empty if it does not tell
     * @param summary what it had come to; missing in those of earlier versions
     */
    public record Found(
            Path file,
            Optional<Path> module,
            LoopPosition position,
            int epochs,
            double seconds,
            Optional<SeenImages> images,
            Optional<JsonNode> summary) {

        /** Returns the score on the test images after its last epoch, if that is known. */
        public Optional<Score> lastTest() {
            return summary.filter(node -> node.path("test_loss").isNumber())
                    .map(
                            node ->
                                    new Score(
                                            node.path("test_loss").asDouble(),
                                            node.path("test_accuracy").asDouble(),
                                            0));
        }
    }

    /** Saves a training and forgets all but the newest checkpoints. */
    public void save(
            Model model,
            Pruner pruner,
            SeenImages images,
            LoopPosition position,
            int epochs,
            double seconds,
            Map<String, Object> summary,
            int keep)
            throws IOException {
        Files.createDirectories(folder);
        Map<String, String> notes = new LinkedHashMap<>();
        notes.put("epoch", Integer.toString(position.epochs()));
        notes.put("batch", Integer.toString(position.batches()));
        notes.put("images", Long.toString(position.images()));
        notes.put("loss_sum", Double.toString(position.lossSum()));
        notes.put("hits", Double.toString(position.hits()));
        notes.put("epochs", Integer.toString(epochs));
        notes.put("seconds", Double.toString(seconds));
        images.addTo(notes);
        notes.put(SUMMARY, JSON.writeValueAsString(summary));
        String name =
                String.format(
                        Locale.ROOT,
                        "e%06d-b%08d.safetensors",
                        position.epochs(),
                        position.batches());
        Path file = folder.resolve(name);
        if (model.getBlock() instanceof SymbolBlock) {
            // DJL does not show the running statistics of a module, which it saves itself.
            TorchScriptModels.save(model, module(file));
            notes.put("module_sha256", sha256(module(file)));
        }
        pruner.save(file, notes);
        List<Path> files = files();
        for (Path old : files.subList(Math.min(keep, files.size()), files.size())) {
            Files.delete(old);
            Files.deleteIfExists(module(old));
        }
    }

    /**
     * Returns the newest checkpoint that is whole, and tells of those that are not; empty if there
     * are none at all. Where none can be used, none is given up either: they may be of another
     * version.
     */
    public Optional<Found> newest(Consumer<String> log) throws IOException {
        List<Path> files = files();
        String fault = "";
        for (Path file : files) {
            if (!fault.isEmpty()) {
                log.accept(fault + " The one before it is used.");
            }
            try {
                Map<String, String> notes = Checkpoint.read(file).notes();
                LoopPosition position =
                        new LoopPosition(
                                Integer.parseInt(notes.get("epoch")),
                                Integer.parseInt(notes.get("batch")),
                                Long.parseLong(notes.get("images")),
                                Double.parseDouble(notes.get("loss_sum")),
                                Double.parseDouble(notes.get("hits")));
                String digest = notes.get("module_sha256");
                if (digest != null && !isWhole(module(file), digest)) {
                    throw new CheckpointException(module(file) + " is damaged or missing.");
                }
                return Optional.of(
                        new Found(
                                file,
                                Optional.ofNullable(digest).map(d -> module(file)),
                                position,
                                Integer.parseInt(notes.get("epochs")),
                                Double.parseDouble(notes.get("seconds")),
                                SeenImages.in(notes),
                                notes.containsKey(SUMMARY)
                                        ? Optional.of(JSON.readTree(notes.get(SUMMARY)))
                                        : Optional.empty()));
            } catch (CheckpointException e) {
                fault = e.getMessage();
            } catch (NumberFormatException | NullPointerException | JsonProcessingException e) {
                fault = file + " is no checkpoint of a run.";
            }
        }
        if (!files.isEmpty()) {
            throw Failure.of(
                    fault
                            + " There is no other: remove "
                            + folder
                            + " to begin the run anew, or use the version that saved it.",
                    null);
        }
        return Optional.empty();
    }

    private static Path module(Path file) {
        String name = file.getFileName().toString();
        return file.resolveSibling(name.replaceFirst("\\.safetensors$", ".pt"));
    }

    private static boolean isWhole(Path module, String digest) throws IOException {
        return Files.isRegularFile(module) && sha256(module).equals(digest);
    }

    private static String sha256(Path file) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
                in.transferTo(OutputStream.nullOutputStream());
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // Every JDK has it.
        }
    }

    public boolean exist() throws IOException {
        return !files().isEmpty();
    }

    /** Returns the name of the newest checkpoint's file, which sorts behind those of all before. */
    public Optional<String> newestName() throws IOException {
        return files().stream().findFirst().map(file -> file.getFileName().toString());
    }

    /** The checkpoints, the newest first. */
    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> NAME.matcher(file.getFileName().toString()).matches())
                    .sorted(Comparator.reverseOrder())
                    .toList();
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }
}
