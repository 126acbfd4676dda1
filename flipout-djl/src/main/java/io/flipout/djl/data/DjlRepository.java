package io.flipout.djl.data;

import ai.djl.Application.CV;
import ai.djl.basicdataset.BasicDatasets;
import ai.djl.repository.Artifact;
import ai.djl.repository.MRL;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.function.Consumer;

/** A data set in DJL's own repository, or in its cache on this machine. */
final class DjlRepository {

    private static final String VERSION = "1.0";

    private final MRL mrl;
    private final Artifact artifact;

    private DjlRepository(MRL mrl, Artifact artifact) {
        this.mrl = mrl;
        this.artifact = artifact;
    }

    /** Finds and, where needed, downloads a data set; empty if the repository cannot be reached. */
    static Optional<DjlRepository> find(String artifactId, Consumer<String> log) {
        try {
            MRL mrl =
                    BasicDatasets.REPOSITORY.dataset(
                            CV.ANY, BasicDatasets.GROUP_ID, artifactId, VERSION);
            Artifact artifact = mrl.getDefaultArtifact();
            if (artifact == null) {
                return Optional.empty();
            }
            log.accept("Taking " + artifactId + " from DJL's data sets.");
            mrl.prepare(artifact);
            return Optional.of(new DjlRepository(mrl, artifact));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Opens one of its files, unpacked. */
    InputStream open(String item) throws IOException {
        Artifact.Item found = artifact.getFiles().get(item);
        if (found == null) {
            throw new DataException("DJL's data set " + artifact.getName() + " lacks " + item);
        }
        InputStream in = mrl.getRepository().openStream(found, null);
        return IdxFile.unpacked(new BufferedInputStream(in, 1 << 16));
    }

    /** Names one of its files in an idx set. */
    IdxFile.Source source(String item) {
        return new IdxFile.Source() {
            @Override
            public InputStream open() throws IOException {
                return DjlRepository.this.open(item);
            }

            @Override
            public String name() {
                return item + " of DJL's data sets";
            }
        };
    }
}
