package io.flipout.djl.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A training at rest: arrays and texts in a {@link SafeTensors} file.
 *
 * <p>That format is kept well by others, holds nothing but numbers and texts, and is read by Python
 * without this project.
 *
 * @param arrays the arrays, and the texts that belong to them
 * @param notes texts of whoever saved it
 */
public record Checkpoint(SafeTensors arrays, Map<String, String> notes) {

    private static final String FORMAT = "format";

    /** Changes whenever an older program would read a file wrongly. */
    private static final String VERSION = "flipout-checkpoint 1";

    private static final String NOTE = "note.";

    /**
     * Writes a checkpoint: whole, synced to the disk and only then in its place.
     *
     * @param file the file, replaced if it exists
     * @param arrays arrays of float, int, long or byte by name
     * @param metadata texts that belong to them
     * @param notes texts of whoever saves it
     * @throws IOException if it cannot be written; an earlier file is left as it was
     */
    public static void write(
            Path file,
            Map<String, Object> arrays,
            Map<String, String> metadata,
            Map<String, String> notes)
            throws IOException {
        Map<String, String> texts = new LinkedHashMap<>();
        texts.put(FORMAT, VERSION);
        texts.putAll(metadata);
        notes.forEach((name, text) -> texts.put(NOTE + name, text));
        AtomicFile.replace(file, path -> SafeTensorsWriter.write(path, arrays, texts));
        sync(file.toAbsolutePath().getParent());
    }

    /** Makes the new name last, too; where folders cannot be synced, that is not to be had. */
    private static void sync(Path folder) {
        try (FileChannel channel = FileChannel.open(folder)) {
            channel.force(true);
        } catch (IOException e) {
            // The file itself is on the disk.
        }
    }

    /**
     * Reads a checkpoint and checks that it is whole.
     *
     * @param file the file
     * @return the checkpoint
     * @throws CheckpointException if the file is damaged or of another version
     * @throws IOException if it cannot be read
     */
    public static Checkpoint read(Path file) throws IOException {
        SafeTensors arrays = SafeTensors.open(file);
        String version = arrays.metadata().get(FORMAT);
        if (!VERSION.equals(version)) {
            throw new CheckpointException(
                    file
                            + (version == null
                                    ? " is no checkpoint of FlipOut."
                                    : " is a '"
                                            + version
                                            + "', and this is for '"
                                            + VERSION
                                            + "'."));
        }
        Map<String, String> notes = new LinkedHashMap<>();
        arrays.metadata()
                .forEach(
                        (name, text) -> {
                            if (name.startsWith(NOTE)) {
                                notes.put(name.substring(NOTE.length()), text);
                            }
                        });
        return new Checkpoint(arrays, notes);
    }
}
