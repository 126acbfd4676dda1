// jshell --class-path "$(echo flipout-cli/target/cpu/*.jar | tr ' ' ':')" flipout-djl/src/examples/jshell/prune.jsh
import ai.djl.Model
import ai.djl.basicmodelzoo.basic.Mlp
import ai.djl.ndarray.types.DataType
import ai.djl.ndarray.types.Shape
import ai.djl.training.DefaultTrainingConfig
import ai.djl.training.EasyTrain
import ai.djl.training.dataset.ArrayDataset
import ai.djl.training.loss.Loss
import ai.djl.training.optimizer.Optimizer
import io.flipout.djl.Pruner
import io.flipout.method.FlipOut
import io.flipout.schedule.Schedule

var model = Model.newInstance("mlp")
model.setBlock(new Mlp(16, 2, new int[] {32}))

var pruner = Pruner.builder().setMethod(FlipOut.builder().build()).setSchedule(Schedule.toSparsity(0.9).overEpochs(4)).build()
var config = pruner.attach(new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss()), Optimizer.adam().build())
var trainer = model.newTrainer(config)
trainer.initialize(new Shape(1, 16))

var labels = trainer.getManager().arange(0, 64, 1, DataType.FLOAT32).mod(2)
var images = trainer.getManager().randomNormal(new Shape(64, 16)).add(labels.reshape(64, 1))
var data = new ArrayDataset.Builder().setData(images).optLabels(labels).setSampling(16, true).build()
EasyTrain.fit(trainer, 4, data, null)
System.out.println(pruner.report())
/exit
