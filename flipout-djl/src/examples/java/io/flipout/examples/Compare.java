package io.flipout.examples;

import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDList;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.NoopTranslator;
import java.nio.file.Path;

/** Holds a file against the network that it was exported from. */
final class Compare {

    private Compare() {}

    /** Loads the file as DJL loads any TorchScript and says how much its output differs. */
    static void outputs(Model model, Path file, NDList input) throws Exception {
        Criteria<NDList, NDList> criteria =
                Criteria.builder()
                        .setTypes(NDList.class, NDList.class)
                        .optModelPath(file)
                        .optEngine("PyTorch")
                        .build();
        try (ZooModel<NDList, NDList> loaded = criteria.loadModel();
                Predictor<NDList, NDList> theirs = loaded.newPredictor();
                Predictor<NDList, NDList> ours = model.newPredictor(new NoopTranslator())) {
            float[] expected = ours.predict(input).head().toFloatArray();
            float[] actual = theirs.predict(input).head().toFloatArray();
            float difference = 0;
            for (int i = 0; i < expected.length; i++) {
                difference = Math.max(difference, Math.abs(expected[i] - actual[i]));
            }
            System.out.println("Largest difference: " + difference);
        }
    }
}
