//! Evaluator of ONNX graphs on candle, for the operators that Nearsay writes.

use crate::model::{Graph, Node};
use candle_core::{D, DType, Device, Result, Tensor};
use std::collections::HashMap;

/// Values of a graph by name, computed from its inputs.
pub fn run(graph: &Graph, inputs: &[(&str, Tensor)]) -> Result<HashMap<String, Tensor>> {
    let mut values: HashMap<String, Tensor> = inputs
        .iter()
        .map(|(name, value)| ((*name).into(), value.clone()))
        .collect();
    for weight in &graph.initializer {
        let kind = match weight.data_type {
            1 => DType::F32,
            7 => DType::I64,
            other => panic!("{}: type {other}", weight.name),
        };
        let dims: Vec<usize> = weight.dims.iter().map(|&n| n as usize).collect();
        let value = Tensor::from_raw_buffer(&weight.raw_data, kind, &dims, &Device::Cpu)?;
        assert!(values.insert(weight.name.clone(), value).is_none());
    }
    for node in &graph.node {
        let inputs: Vec<&Tensor> = node.input.iter().map(|name| &values[name]).collect();
        let output = apply(node, &inputs)?;
        let name = &node.output[0];
        assert!(
            values.insert(name.clone(), output).is_none(),
            "{name} is computed twice"
        );
    }
    Ok(values)
}

fn apply(node: &Node, x: &[&Tensor]) -> Result<Tensor> {
    let attribute = |name: &str| node.attribute.iter().find(|found| found.name == name);
    let int = |name: &str| attribute(name).and_then(|found| found.i);
    let ints = |name: &str| attribute(name).map_or(&[][..], |found| &found.ints);
    let keep = int("keepdims") != Some(0);
    let reduced = |y: Tensor, axis: usize| if keep { y.unsqueeze(axis) } else { Ok(y) };
    match node.op_type.as_str() {
        "Identity" => Ok(x[0].clone()),
        "Cast" => {
            assert_eq!(int("to"), Some(1));
            x[0].to_dtype(DType::F32)
        }
        "Add" => x[0].broadcast_add(x[1]),
        "Sub" => x[0].broadcast_sub(x[1]),
        "Mul" => x[0].broadcast_mul(x[1]),
        "Div" => x[0].broadcast_div(x[1]),
        "Max" => x[0].broadcast_maximum(x[1]),
        "Erf" => x[0].erf(),
        "Relu" => x[0].relu(),
        "Tanh" => x[0].tanh(),
        "Sigmoid" => (x[0].neg()?.exp()? + 1.0)?.recip(),
        "MatMul" => x[0].contiguous()?.broadcast_matmul(&x[1].contiguous()?),
        "Gemm" => {
            assert_eq!(int("transB"), Some(1));
            x[0].matmul(&x[1].t()?)?.broadcast_add(x[2])
        }
        "Gather" => {
            let axis = int("axis").unwrap_or(0) as usize;
            let mut shape = x[0].dims().to_vec();
            shape.splice(axis..=axis, x[1].dims().iter().copied());
            let rows = x[1].flatten_all()?;
            x[0].index_select(&rows, axis)?.reshape(shape)
        }
        "Shape" => {
            let (start, end) = (int("start").unwrap() as usize, int("end").unwrap() as usize);
            let dims = x[0].dims()[start..end].iter().map(|&n| n as i64);
            Tensor::new(dims.collect::<Vec<_>>(), &Device::Cpu)
        }
        "Slice" => {
            let [start, end, axis] = [1, 2, 3].map(|i| x[i].to_vec1::<i64>().unwrap()[0] as usize);
            x[0].narrow(axis, start, end - start)
        }
        "Unsqueeze" => {
            let axes = x[1].to_vec1::<i64>()?;
            axes.iter()
                .try_fold(x[0].clone(), |y, &axis| y.unsqueeze(axis as usize))
        }
        "Squeeze" => x[0].squeeze(x[1].to_vec1::<i64>()?[0] as usize),
        "Reshape" => {
            let asked = x[1].to_vec1::<i64>()?;
            let dims = asked.iter().enumerate().map(|(i, &n)| match n {
                0 => x[0].dims()[i],
                n => n as usize,
            });
            x[0].contiguous()?.reshape(dims.collect::<Vec<_>>())
        }
        "Transpose" => {
            let order: Vec<usize> = ints("perm").iter().map(|&i| i as usize).collect();
            x[0].permute(order)
        }
        "Softmax" => {
            assert_eq!(int("axis"), Some(-1));
            let y = x[0].broadcast_sub(&x[0].max_keepdim(D::Minus1)?)?.exp()?;
            y.broadcast_div(&y.sum_keepdim(D::Minus1)?)
        }
        "LayerNormalization" => {
            assert_eq!(int("axis"), Some(-1));
            let eps = f64::from(attribute("epsilon").unwrap().f.unwrap());
            let y = x[0].broadcast_sub(&x[0].mean_keepdim(D::Minus1)?)?;
            let deviation = (y.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?;
            let y = y.broadcast_div(&deviation)?;
            y.broadcast_mul(x[1])?.broadcast_add(x[2])
        }
        "ReduceSum" => {
            let axis = x[1].to_vec1::<i64>()?[0] as usize;
            reduced(x[0].sum(axis)?, axis)
        }
        "ReduceL2" => {
            let axis = ints("axes")[0] as usize;
            reduced(x[0].sqr()?.sum(axis)?.sqrt()?, axis)
        }
        other => panic!("unknown operator {other}"),
    }
}
