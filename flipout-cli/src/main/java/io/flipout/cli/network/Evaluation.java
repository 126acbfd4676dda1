package io.flipout.cli.network;

import io.flipout.cli.terminal.Failure;
import io.flipout.djl.data.ImageSet;
import io.flipout.djl.data.Normalization;
import io.flipout.djl.training.Confusion;
import io.flipout.djl.training.Score;
import io.flipout.inference.image.ImageInput;
import java.util.Arrays;
import java.util.Locale;

/** A network's score on images by any engine, as training computes it. */
public final class Evaluation {

    private static final int BATCH = 256;

    private final Scorer scorer;
    private final ImageSet images;
    private final ImageInput input;
    private final long[][] counts;

    /**
     * Prepares it.
     *
     * @param images at least one
     * @param normalization of the images
     */
    public Evaluation(Scorer scorer, ImageSet images, Normalization normalization) {
        this.scorer = scorer;
        this.images = images;
        input = new ImageInput(images.channels(), images.height(), images.width(), normalization);
        counts = new long[images.classes().size()][];
    }

    /** Returns how many numbers the network gives for an image. */
    public int outputs() {
        return scores(0, 1).length;
    }

    private float[] scores(int from, int batch) {
        float[] numbers = new float[batch * input.size()];
        for (int i = 0; i < batch; i++) {
            input.put(images.image(from + i), numbers, i * input.size());
        }
        return scorer.scores(numbers, batch, input.shape());
    }

    /** Computes the accuracy and the mean cross-entropy. */
    public Score score() {
        double loss = 0;
        long hits = 0;
        for (int from = 0; from < images.size(); from += BATCH) {
            int batch = Math.min(BATCH, images.size() - from);
            float[] scores = scores(from, batch);
            int each = scores.length / batch;
            if (each < images.classes().size()) {
                throw Failure.misuse(
                        String.format(
                                Locale.ROOT,
                                "The network returns %d numbers for an image, which are no scores"
                                        + " of the %d classes of the data set.",
                                each,
                                images.classes().size()));
            }
            if (from == 0) {
                Arrays.setAll(counts, i -> new long[each]);
            }
            for (int i = 0; i < batch; i++) {
                int label = images.label(from + i);
                loss += crossEntropy(scores, i * each, each, label);
                int highest = highest(scores, i * each, each);
                hits += highest == label ? 1 : 0;
                counts[label][highest]++;
            }
        }
        return new Score(loss / images.size(), (double) hits / images.size(), images.size());
    }

    /** Returns which classes were taken for which when the score was computed. */
    public Confusion confusion() {
        return Confusion.of(counts);
    }

    /** log Σ exp(s) - s of the class. */
    private static double crossEntropy(float[] scores, int from, int count, int label) {
        double largest = scores[from + highest(scores, from, count)];
        double sum = 0;
        for (int i = from; i < from + count; i++) {
            sum += Math.exp(scores[i] - largest);
        }
        return Math.log(sum) + largest - scores[from + label];
    }

    /** The first of the highest scores; of those that are no numbers the first, as in PyTorch. */
    private static int highest(float[] scores, int from, int count) {
        int highest = 0;
        for (int i = 0; i < count; i++) {
            if (Float.isNaN(scores[from + i])) {
                return i;
            }
            if (scores[from + i] > scores[from + highest]) {
                highest = i;
            }
        }
        return highest;
    }
}
