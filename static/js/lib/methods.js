// What each method is called in the pages' sentences.

export const METHODS = {
  attention: "learnt mask", gradcam: "Grad-CAM", gradcampp: "Grad-CAM++", hirescam: "HiResCAM",
  layercam: "LayerCAM", xgradcam: "XGrad-CAM", rollout: "attention rollout",
};
