package io.flipout.inference.image;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** The classes that a network tells apart: from its scores to names and probabilities. */
public final class ClassNames {

    private final List<String> names;

    /**
     * Creates the classes.
     *
     * @param names their names in the order of the network's scores; null if unknown
     */
    public ClassNames(List<String> names) {
        this.names = names == null ? List.of() : new ArrayList<>(names);
    }

    /**
     * A class and how likely it is.
     *
     * @param name its name, or its number where it has none
     * @param probability from 0 to 1
     */
    public record Ranked(String name, double probability) {}

    /**
     * Names the classes of a network.
     *
     * @param scores how many it gives
     * @return a name for each; a number where there is none
     * @throws IllegalArgumentException if there are more names than scores
     */
    public List<String> of(int scores) {
        if (scores < names.size()) {
            throw new IllegalArgumentException(
                    "The network gives "
                            + scores
                            + " scores for an image, fewer than the "
                            + names.size()
                            + " classes that are named.");
        }
        return IntStream.range(0, scores)
                .mapToObj(
                        i ->
                                i < names.size() && names.get(i) != null
                                        ? names.get(i)
                                        : Integer.toString(i))
                .toList();
    }

    /**
     * Ranks the classes.
     *
     * @param scores the network's, from which {@link #softmax} makes probabilities
     * @param most how many are returned at most
     * @return the likeliest classes, the likeliest first; of equal ones the first
     * @throws IllegalArgumentException if there are more names than scores
     */
    public List<Ranked> rank(float[] scores, int most) {
        double[] probabilities = softmax(scores);
        List<String> all = of(scores.length);
        return IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -probabilities[i]))
                .limit(most)
                .map(i -> new Ranked(all.get(i), probabilities[i]))
                .toList();
    }

    /**
     * Makes probabilities of scores: exp(s) / Σ exp(s).
     *
     * @param scores the scores
     * @return a probability for each; NaN where a score is NaN or +∞
     */
    public static double[] softmax(float[] scores) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float score : scores) {
            largest = Math.max(largest, score);
        }
        double[] probabilities = new double[scores.length];
        double sum = 0;
        for (int i = 0; i < scores.length; i++) {
            probabilities[i] = Math.exp(scores[i] - largest);
            sum += probabilities[i];
        }
        double total = sum;
        return Arrays.stream(probabilities).map(p -> p / total).toArray();
    }
}
