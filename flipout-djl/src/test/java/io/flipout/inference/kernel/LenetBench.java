package io.flipout.inference.kernel;
import ai.djl.ndarray.*; import ai.djl.ndarray.types.Shape; import java.util.*;
public final class LenetBench {
  public static void main(String[] a) {
    int images = Integer.parseInt(a[0]); int lanes = Integer.parseInt(a[1]);
    Random r = new Random(1); int[] d = {784,300,100,10};
    try (NDManager m = NDManager.newBaseManager("PyTorch")) {
      ai.djl.pytorch.jni.JniUtils.setGradMode(false); ai.djl.pytorch.jni.JniUtils.setNumThreads(1);
      float[][] w = new float[3][]; NDArray[] wt = new NDArray[3], bt = new NDArray[3];
      for (int i=0;i<3;i++){ w[i]=new float[d[i]*d[i+1]]; for(int k=0;k<w[i].length;k++) w[i][k]=(float)r.nextGaussian()*0.05f; wt[i]=m.create(w[i],new Shape(d[i+1],d[i])); bt[i]=m.zeros(new Shape(d[i+1])); }
      float[] in=new float[images*784]; for(int k=0;k<in.length;k++) in[k]=(float)r.nextGaussian();
      NDArray x=m.create(in,new Shape(images,784));
      List<Runnable> all=new ArrayList<>();
      double[] sp={0.8,0.9,0.95,0.99,0.999};
      for(double s:sp){ Random q=new Random(3); List<Kernel> ks=new ArrayList<>(); Planes p=Planes.of(images,784,1,1).withLanes(lanes); Planes first=p; int at=p.size();
        for(int i=0;i<3;i++){ float[] v=w[i].clone(); for(int k=0;k<v.length;k++) if(q.nextDouble()<s) v[k]=0; Planes o=Planes.of(images,d[i+1],1,1).withLanes(lanes).at(at); at+=o.size();
          ks.addAll(Convolution.linear(Filters.dense(v,d[i+1]),p).optBias(new float[d[i+1]]).optActivation(i<2?Activation.RELU:Activation.IDENTITY).build().plan(p,o,null,0)); p=o; }
        float[] arena=new float[at]; Kernel[] k=ks.toArray(new Kernel[0]);
        all.add(()->{ first.load(in,0,arena); for(Kernel one:k) one.run(arena,0,one.units()); }); }
      all.add(()->{ try(NDList l1=ai.djl.nn.core.Linear.linear(x,wt[0],bt[0]); NDArray r1=l1.head().getNDArrayInternal().relu(); NDList l2=ai.djl.nn.core.Linear.linear(r1,wt[1],bt[1]); NDArray r2=l2.head().getNDArrayInternal().relu(); NDList l3=ai.djl.nn.core.Linear.linear(r2,wt[2],bt[2])){ l3.size(); } });
      double[] t=LayerBench.interleaved(all,0.3);
      for(int i=0;i<t.length;i++) System.out.printf("%s %.2f us %.2fx%n", i<sp.length?sp[i]:"torch", t[i]*1e6, t[t.length-1]/t[i]);
    } } }
