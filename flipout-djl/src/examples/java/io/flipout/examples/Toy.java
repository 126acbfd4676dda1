package io.flipout.examples;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.ArrayDataset;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Data made up in place of yours: two classes that any network soon tells apart. */
final class Toy {

    static final int CLASSES = 2;
    static final int WORDS = 20;
    static final int LENGTH = 12;

    private static final int EXAMPLES = 64;
    private static final int BATCH = 16;

    private Toy() {}

    /** Images of 3 × 28 × 28, dark or bright. */
    static ArrayDataset images(NDManager manager) {
        NDArray labels = labels(manager);
        NDArray noise = manager.randomNormal(new Shape(EXAMPLES, 3, 28, 28));
        return dataset(labels, noise.add(labels.reshape(EXAMPLES, 1, 1, 1)));
    }

    /** Sentences of 12 word numbers, of the first words or the last ones for the most part. */
    static ArrayDataset sentences(NDManager manager) {
        return dataset(labels(manager), words(manager));
    }

    /** Sentences as BERT takes them: word numbers, types of the words, and which words count. */
    static ArrayDataset sentencesForBert(NDManager manager) {
        Shape shape = new Shape(EXAMPLES, LENGTH);
        NDArray types = manager.zeros(shape, DataType.INT64);
        NDArray mask = manager.ones(shape, DataType.INT64);
        return dataset(labels(manager), words(manager), types, mask);
    }

    /** The words that the numbers stand for. */
    static List<String> words() {
        return IntStream.range(0, WORDS).mapToObj(i -> "word" + i).toList();
    }

    /** A batch of two examples, without labels. */
    static NDList some(ArrayDataset data, NDManager manager) throws IOException {
        return data.getByRange(manager, 0, 2).getData();
    }

    private static NDArray labels(NDManager manager) {
        return manager.arange(0, EXAMPLES, 1, DataType.FLOAT32).mod(CLASSES);
    }

    private static NDArray words(NDManager manager) {
        Random random = new Random(1);
        long[] words = new long[EXAMPLES * LENGTH];
        for (int i = 0; i < words.length; i++) {
            int label = i / LENGTH % CLASSES;
            int half = random.nextInt(10) == 0 ? 1 - label : label;
            words[i] = half * (WORDS / 2) + random.nextInt(WORDS / 2);
        }
        return manager.create(words, new Shape(EXAMPLES, LENGTH));
    }

    private static ArrayDataset dataset(NDArray labels, NDArray... data) {
        return new ArrayDataset.Builder()
                .setData(data)
                .optLabels(labels)
                .setSampling(BATCH, true)
                .build();
    }
}
