package io.flipout.cli.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flipout.cli.option.DataOptions;
import io.flipout.djl.data.ImageSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The images that a training has seen, kept with its checkpoints: by which names it knows their
 * classes, and whether they are the same when it goes on.
 *
 * @param classes the names of the classes in the order of the network's outputs
 * @param train what the training images are told from others by
 * @param test the same of the test images
 */
public record SeenImages(List<String> classes, Identity train, Identity test) {

    private static final String CLASSES = "classes";
    private static final String TRAIN = "train_images";
    private static final String TEST = "test_images";

    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * How many images there are, and a checksum of them.
     *
     * @param count the number of images
     * @param checksum a number that others hardly have
     */
    public record Identity(int count, long checksum) {

        private static Identity of(ImageSet images) {
            return new Identity(images.size(), images.checksum());
        }

        private static Identity parse(String text) {
            int comma = text.indexOf(',');
            return new Identity(
                    Integer.parseInt(text.substring(0, comma)),
                    Long.parseLong(text.substring(comma + 1)));
        }

        private String text() {
            return count + "," + checksum;
        }
    }

    /** Takes down the images of a run. */
    public static SeenImages of(DataOptions.Images images) {
        return new SeenImages(
                images.train().classes(), Identity.of(images.train()), Identity.of(images.test()));
    }

    /** Adds them to the notes of a checkpoint. */
    void addTo(Map<String, String> notes) {
        try {
            notes.put(CLASSES, JSON.writeValueAsString(classes));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // Texts can be written.
        }
        notes.put(TRAIN, train.text());
        notes.put(TEST, test.text());
    }

    /**
     * Reads them from the notes of a checkpoint.
     *
     * @return the images; empty if the notes do not tell
     * @throws NumberFormatException if the notes are damaged
     */
    static Optional<SeenImages> in(Map<String, String> notes) {
        if (!notes.containsKey(CLASSES)) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    new SeenImages(
                            List.of(JSON.readValue(notes.get(CLASSES), String[].class)),
                            Identity.parse(notes.get(TRAIN)),
                            Identity.parse(notes.get(TEST))));
        } catch (JsonProcessingException | IndexOutOfBoundsException e) {
            throw (NumberFormatException) new NumberFormatException().initCause(e);
        }
    }

    /** Says how the images of today differ from these, a sentence each. */
    public List<String> changes(SeenImages now) {
        List<String> changes = new ArrayList<>();
        if (!train.equals(now.train)) {
            changes.add(
                    change("training", train, now.train)
                            + " They come in another order, so the run will not be the one that was"
                            + " begun.");
        }
        if (!test.equals(now.test)) {
            changes.add(
                    change("test", test, now.test)
                            + " Accuracies from here on are not of the same images as before.");
        }
        return changes;
    }

    private static String change(String what, Identity before, Identity now) {
        return "The "
                + what
                + " images have changed since the checkpoint: "
                + (before.count == now.count
                        ? "there are " + now.count + " as before, but others."
                        : "there were " + before.count + ", now there are " + now.count + ".");
    }
}
